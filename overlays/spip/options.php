<?php
// What SPIP is told on a Mazet box. It runs alone in its site's own view of the file system (mazet-php@.service),
// where /var/lib/spip is the folder of that one site.

// Who comes before the site is made must not make it theirs: the installer is run by the box alone.
if (PHP_SAPI !== 'cli' && !is_file('/var/lib/spip/config/connect.php')) {
    http_response_code(503);
    header('Retry-After: 10');
    header('Content-Type: text/plain; charset=utf-8');
    exit("Ce site n’est pas encore prêt.\nThis site is not ready yet.\n");
}

// The box's logins may be short; their passwords are not.
define('_LOGIN_TROP_COURT', 1);
// The host's own groups never look into the folder that all of this lies in: see spip.toml.
define('_SPIP_CHMOD', 0755);
// Nothing of the web server protects these two: they lie outside of what it serves.
spip_initialisation_core('/var/lib/spip/config/', _DIR_RACINE . 'IMG/', '/var/lib/spip/tmp/', _DIR_RACINE . 'local/');
