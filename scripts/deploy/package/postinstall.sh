#!/bin/sh
# The service is not started: the path of the log and the output have to be told to it first, see "systemctl edit pikabin".
set -e
[ -z "${DPKG_ROOT:-}" ] || exit 0
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers pikabin.conf
elif ! getent passwd pikabin >/dev/null; then
	useradd --system --no-create-home --home-dir /var/lib/pikabin --shell /usr/sbin/nologin pikabin
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart pikabin.service
fi
