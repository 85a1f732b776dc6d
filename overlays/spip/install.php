<?php
// Takes SPIP's own installer through its steps, without a web server and without a network: SQLite, and one
// administrator, whom the credential "administrator" names (JSON: login, name, contact, language, password, and the site's address).
//
// Each step is a process of its own, as each would be a request of a browser. A site that is there stays.

const STEPS = ['3', '3b', '4', 'fin'];
const CONNECTION = '/var/lib/spip/config/connect.php';

function fail(string $why): never
{
    fwrite(STDERR, "installing SPIP: $why\n");
    exit(1);
}

/** One request of the installer's form, in this process. */
function step(string $step, array $who): void
{
    $fields = [
        'exec' => 'install', 'etape' => $step, 'server_db' => 'sqlite3', 'choix_db' => 'new_spip',
        'table_new' => 'spip', 'sel_db' => 'spip', 'tprefix' => 'spip', 'adresse_db' => '', 'login_db' => '', 'pass_db' => '',
        'nom' => $who['name'], 'email' => $who['contact'], 'login' => $who['login'],
        'pass' => $who['password'], 'pass_verif' => $who['password'],
    ];
    $_GET = ['exec' => 'install'];
    $_POST = $fields;
    $_REQUEST = $fields;
    $host = parse_url($who['address'], PHP_URL_HOST);
    $port = parse_url($who['address'], PHP_URL_PORT);
    $_COOKIE = ['spip_lang_ecrire' => $who['language'], 'spip_lang' => $who['language']];
    $_SERVER = array_merge($_SERVER, [
        'REQUEST_METHOD' => 'POST', 'HTTP_HOST' => $port === null ? $host : "$host:$port", 'SERVER_NAME' => $host, 'HTTPS' => 'on',
        'SERVER_PORT' => (string) ($port ?? 443), 'REMOTE_ADDR' => '127.0.0.1', 'SERVER_PROTOCOL' => 'HTTP/1.1',
        'REQUEST_URI' => '/ecrire/?exec=install', 'QUERY_STRING' => 'exec=install', 'PHP_SELF' => '/ecrire/index.php',
        'SCRIPT_NAME' => '/ecrire/index.php', 'SCRIPT_FILENAME' => '/usr/share/spip/ecrire/index.php',
        'DOCUMENT_ROOT' => '/usr/share/spip', 'HTTP_USER_AGENT' => 'mazet',
    ]);
    chdir('/usr/share/spip/ecrire');
    require '/usr/share/spip/ecrire/index.php';
}

/** Every step in a process of its own, which is handed the administrator on its standard input. */
function all(array $who): void
{
    foreach (STEPS as $step) {
        $pipes = [];
        $process = proc_open([PHP_BINARY, '-d', 'pcre.jit=0', __FILE__, $step], [['pipe', 'r'], ['pipe', 'w'], STDERR], $pipes);
        if ($process === false) {
            fail("step $step does not start");
        }
        fwrite($pipes[0], json_encode($who));
        fclose($pipes[0]);
        $said = stream_get_contents($pipes[1]);
        $status = proc_close($process);
        if ($status !== 0 || str_contains($said, "class='error'") && $step !== 'fin') {
            $words = trim(preg_replace('/\s+/', ' ', strip_tags(preg_replace('#<(style|script).*?</\1>#s', '', $said))));
            fail("step $step: status $status: " . substr($words, -400));
        }
    }
    if (!is_file(CONNECTION)) {
        fail('the installer ended without a site');
    }
}

if (isset($argv[1])) {
    step($argv[1], json_decode(stream_get_contents(STDIN), true, 4, JSON_THROW_ON_ERROR));
    exit(0);
}
if (is_file(CONNECTION)) {
    exit(0);
}
$folder = getenv('CREDENTIALS_DIRECTORY');
$given = $folder === false ? false : file_get_contents("$folder/administrator");
if ($given === false) {
    fail('nobody is named as its administrator');
}
all(json_decode($given, true, 4, JSON_THROW_ON_ERROR));
