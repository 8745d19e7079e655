#!/bin/sh
# An upgrade leaves the service running; the new package restarts it. deb says remove, rpm 0.
set -e
[ -z "${DPKG_ROOT:-}" ] || exit 0
case ${1:-} in
remove | 0)
	[ ! -d /run/systemd/system ] || systemctl disable --now pikabin.service
	;;
esac
