-- How Dovecot checks a login, for itself and for Postfix: by the same people, passwords and application
-- passwords as everything else on the box (docs/formats.md, "What services see of the directory").
--
-- SQL alone cannot: which of a person's application passwords it is, its first letters tell, and people type
-- it with dashes, in any case. Runs in Dovecot's auth workers, which may wait for PostgreSQL.

local driver = require("luasql.postgres")

-- Letters of an application password that tell which one it is, and in all.
local SELECTOR, LENGTH = 6, 24
-- No visitor may have a book hashed.
local LONGEST = 256
-- Hash of no password: checked where there is none, so that the answer takes as long.
local NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$bWF6ZXQgaGFzIG5vbmU$kTYDXkSbL6t9LmhwUVvYBAgpIQLHF0bYl6yMV/LqPFY"
-- What the firewall keeps for the box's own pages, which know who is signed in and have no password: ports of
-- IMAP and ManageSieve, and the name that Postfix asks under (smtpd_sasl_service).
local PAGES = { ["10143"] = true, ["14190"] = true }
local PAGES_PROTOCOL = "pages"

local environment = driver.postgres()
local connection

-- One row of an answer; nil: there is none. A connection that broke is made anew, once.
local function ask(statement)
  for try = 1, 2 do
    if not connection then
      -- The kernel tells PostgreSQL who asks.
      connection = environment:connect("mazet", "dovecot", nil, "/run/postgresql")
    end
    local cursor, why
    if connection then
      cursor, why = connection:execute(statement)
    end
    if type(cursor) == "userdata" then
      local row = cursor:fetch({}, "a")
      cursor:close()
      return row
    end
    connection = nil
    if try == 2 then
      error("asking the directory: " .. tostring(why))
    end
  end
end

-- An application password as it was hashed: without the dashes and spaces that people type. Nil: it is none.
local function application_password(typed)
  local plain = typed:gsub("[^%w]", ""):upper()
  return #plain == LENGTH and plain or nil
end

-- Checks a password against a hash of the directory.
local function is_right(request, password, hash)
  return request:password_verify("{ARGON2ID}" .. hash, password) == 1
end

local function check(request, login, password)
  local plain = application_password(password)
  if plain then
    -- Of letters and digits alone, as the login is: nothing needs a quote.
    local row = ask(string.format(
      "select password, application_password_id as id from service_application_login where login = '%s' and selector = '%s'",
      login, plain:sub(1, SELECTOR)))
    if row then
      local right = is_right(request, plain, row.password)
      if right then
        ask(string.format("select application_password_was_used(%d)", row.id))
      end
      return right
    end
  end
  local row = ask(string.format("select password from service_login where login = '%s'", login))
  local right = is_right(request, password, row and row.password or NOBODY)
  return right and row ~= nil
end

-- What Dovecot is told: a table where it is right, a text where the directory could not be asked.
local function verdict(done, right, why)
  if not done then
    return dovecot.auth.PASSDB_RESULT_INTERNAL_FAILURE, tostring(why)
  elseif right then
    return dovecot.auth.PASSDB_RESULT_OK, {}
  end
  return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH
end

function auth_password_verify(request, password)
  local login = request.user
  if not login:match("^[a-z][a-z0-9._-]*$") or #login > 32 or #password > LONGEST then
    return dovecot.auth.PASSDB_RESULT_USER_UNKNOWN
  end
  if request.protocol == PAGES_PROTOCOL or (request.local_ip == "127.0.0.1" and PAGES[tostring(request.local_port)]) then
    local done, row = pcall(ask, string.format("select login from service_quota where login = '%s'", login))
    return verdict(done, done and row ~= nil, row)
  end
  local done, right = pcall(check, request, login, password)
  return verdict(done, right, right)
end

-- Nothing is kept: what is taken back counts no more at once.
function auth_passdb_get_cache_key()
  return ""
end

function script_init()
  return 0
end

function script_deinit()
end
