<?php
/**
 * Plugin Name: Mazet
 * Description: What a site without a network needs, and what the box sees to. It cannot be switched off.
 */

if (!defined('ABSPATH')) {
    exit;
}

// Themes of Debian's packages, beside those that the site brings itself.
register_theme_directory(ABSPATH . 'wp-content/themes');

// Nobody writes by XML-RPC, and no other site is told of links.
add_filter('xmlrpc_enabled', '__return_false');
add_filter('xmlrpc_methods', '__return_empty_array');
add_filter('wp_headers', function (array $headers): array {
    unset($headers['X-Pingback']);
    return $headers;
});
add_filter('pre_option_default_pingback_flag', '__return_zero');
add_filter('pre_option_default_ping_status', fn() => 'closed');

// Debian's updates bring newer programs: WordPress itself looks for none.
foreach (['core', 'plugins', 'themes'] as $what) {
    add_filter("pre_site_transient_update_$what", fn() => (object) [
        'last_checked' => time(), 'version_checked' => wp_get_wp_version(), 'updates' => [], 'response' => [],
        'no_update' => [], 'checked' => [], 'translations' => [],
    ]);
}
remove_action('init', 'wp_schedule_update_checks');
add_filter('site_status_tests', function (array $tests): array {
    unset($tests['async']['dotorg_communication'], $tests['async']['background_updates'], $tests['async']['loopback_requests']);
    unset($tests['direct']['plugin_theme_auto_updates'], $tests['direct']['update_temp_backup_writable']);
    return $tests;
});
add_action('wp_dashboard_setup', fn() => remove_meta_box('dashboard_primary', 'dashboard', 'side'));
// Faces of people, and pictures for signs that a browser does not know, would be fetched from elsewhere by visitors.
add_filter('pre_option_show_avatars', '__return_zero');
foreach (['wp_head' => 7, 'admin_print_scripts' => 10, 'embed_head' => 10] as $where => $when) {
    remove_action($where, 'print_emoji_detection_script', $when);
}
add_filter('emoji_svg_url', '__return_false');

// A program of a site sends no mail.
add_filter('pre_wp_mail', '__return_false');

// Ten wrong passwords in ten minutes from one address, and none is looked at for a while. The front web server writes
// down what is refused, and who goes on is shut out of the box.
function mazet_tries(): string
{
    return 'mazet_tries_' . substr(hash('sha256', $_SERVER['REMOTE_ADDR'] ?? ''), 0, 24);
}
add_filter('authenticate', function ($user, $login, $password) {
    if ($password !== '' && (int) get_transient(mazet_tries()) >= 10) {
        remove_filter('authenticate', 'wp_authenticate_username_password', 20);
        remove_filter('authenticate', 'wp_authenticate_email_password', 20);
        remove_filter('authenticate', 'wp_authenticate_application_password', 20);
        return new WP_Error('mazet_tries', str_starts_with(get_user_locale(), 'fr')
            ? 'Trop d’essais : attendez dix minutes.' : 'Too many tries: wait for ten minutes.');
    }
    return $user;
}, 1, 3);
add_action('wp_login_failed', function (string $login, WP_Error $error): void {
    if (in_array($error->get_error_code(), ['empty_username', 'empty_password'], true)) {
        return;
    }
    if ($error->get_error_code() !== 'mazet_tries') {
        set_transient(mazet_tries(), 1 + (int) get_transient(mazet_tries()), 600);
    }
    status_header($error->get_error_code() === 'mazet_tries' ? 429 : 401);
}, 10, 2);
// Who has an account is not told to who guesses, nor listed for strangers.
add_filter('rest_endpoints', fn(array $all): array => is_user_logged_in() ? $all
    : array_filter($all, fn(string $path): bool => !str_starts_with($path, '/wp/v2/users'), ARRAY_FILTER_USE_KEY));
remove_action('wp_head', 'wp_generator');
add_filter('login_errors', fn(string $text): string => preg_match('/mazet|essais|tries/i', $text) ? $text
    : (str_starts_with(get_user_locale(), 'fr') ? 'Identifiant ou mot de passe inconnu.' : 'Unknown login or password.'));

// What is due (planned posts and the like), once the visitor has the answer: no second request is needed.
add_action('shutdown', function (): void {
    if (PHP_SAPI !== 'fpm-fcgi' || $_SERVER['REQUEST_METHOD'] !== 'GET' || wp_doing_ajax() || wp_installing()) {
        return;
    }
    if (wp_get_ready_cron_jobs() === []) {
        return;
    }
    fastcgi_finish_request();
    require_once ABSPATH . 'wp-cron.php';
}, PHP_INT_MAX);
