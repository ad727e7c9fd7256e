#!/bin/sh
# As in the official image, files in /etc/nginx/templates become configuration, with the variables that are set.
set -eu
names=$(env | sed 's/=.*//; s/.*/${&}/')
for template in /etc/nginx/templates/*.template; do
    [ ! -f "$template" ] || envsubst "$names" <"$template" >"/etc/nginx/conf.d/$(basename "$template" .template)"
done
exec "$@"
