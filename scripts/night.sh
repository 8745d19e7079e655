#!/usr/bin/env bash
# A night's worth of a tail in 30 minutes: rolls, kills of both sides, purges, pins, gaps and full disks. See torture.sh.
exec "$(dirname "$0")/torture.sh" --night
