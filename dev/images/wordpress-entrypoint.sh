#!/bin/sh
# As in the official image, the first start copies WordPress to /var/www/html, and its settings are variables.
set -eu
if [ ! -e /var/www/html/index.php ]; then
    cp -r /usr/src/wordpress/. /var/www/html
    cat >/var/www/html/wp-config.php <<'PHP'
<?php
define('DB_HOST', getenv('WORDPRESS_DB_HOST'));
define('DB_USER', getenv('WORDPRESS_DB_USER'));
define('DB_PASSWORD', getenv('WORDPRESS_DB_PASSWORD'));
define('DB_NAME', getenv('WORDPRESS_DB_NAME'));
define('DB_CHARSET', 'utf8mb4');
$table_prefix = getenv('WORDPRESS_TABLE_PREFIX') ?: 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
PHP
    chown -R www-data:www-data /var/www/html
fi
set +u
. /etc/apache2/envvars
exec "$@"
