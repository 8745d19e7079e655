#!/bin/sh
# The state and what was written to /var/lib/pikabin stay: they are the user's.
set -e
[ -z "${DPKG_ROOT:-}" ] || exit 0
[ ! -d /run/systemd/system ] || systemctl daemon-reload
