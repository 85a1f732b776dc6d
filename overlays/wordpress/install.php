<?php
// Makes a WordPress site without a web server and without a network: its tables, and one administrator, whom the
// credential "administrator" names (JSON: login, name, contact, language, password, and the site's address). A site that is there
// stays.

const MADE = '/var/lib/wordpress/wp-content/.made';

function fail(string $why): never
{
    fwrite(STDERR, "installing WordPress: $why\n");
    exit(1);
}

if (is_file(MADE)) {
    exit(0);
}
$folder = getenv('CREDENTIALS_DIRECTORY');
$given = $folder === false ? false : file_get_contents("$folder/administrator");
if ($given === false) {
    fail('nobody is named as its administrator');
}
$who = json_decode($given, true, 4, JSON_THROW_ON_ERROR);
$host = parse_url($who['address'], PHP_URL_HOST);
$port = parse_url($who['address'], PHP_URL_PORT);
$_SERVER = array_merge($_SERVER, [
    'HTTP_HOST' => $port === null ? $host : "$host:$port", 'SERVER_NAME' => $host, 'REQUEST_METHOD' => 'GET',
    'REQUEST_URI' => '/', 'REMOTE_ADDR' => '127.0.0.1', 'SERVER_PROTOCOL' => 'HTTP/1.1', 'PHP_SELF' => '/index.php',
]);
define('WP_INSTALLING', true);
require '/usr/share/wordpress/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

$language = $who['language'] === 'fr' ? 'fr_FR' : '';
if ($language !== '') {
    load_default_textdomain($language);
    $GLOBALS['wp_locale'] = new WP_Locale();
}
// Who has no address has one that leads nowhere (RFC 2606).
$contact = is_email($who['contact']) ? $who['contact'] : "{$who['login']}@{$host}.invalid";
if (!is_email($contact)) {
    $contact = 'nobody@mazet.invalid';
}
$title = preg_replace('/^site-/', '', DB_USER);
$made = wp_install($title, $who['login'], $contact, true, '', $who['password'], $language);
if (is_wp_error($made['user_id'] ?? null) || !wp_check_password($who['password'], get_userdata($made['user_id'])->user_pass)) {
    fail('the administrator was not made');
}
$named = wp_update_user(['ID' => $made['user_id'], 'display_name' => $who['name'], 'nickname' => $who['name']]);
if (is_wp_error($named)) {
    fail($named->get_error_message());
}
update_option('permalink_structure', '/%year%/%monthnum%/%postname%/');
update_option('timezone_string', MAZET_TIMEZONE);
flush_rewrite_rules(false);
if (file_put_contents(MADE, "made\n") === false) {
    fail('its folder cannot be written to');
}
