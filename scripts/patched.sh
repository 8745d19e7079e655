#!/usr/bin/env bash
# Runs a command, as in "go build", with the modules changed that have a file in scripts/patches, whose first word is the module. Releases are
# built so: they are smaller. The changed copies lie in dist/patched while it runs: always there, since a program tells where it was built from. A second
# run in the same tree waits for the first.
#
#   scripts/patched.sh go build .
set -euo pipefail
cd "$(dirname "$0")/.."

copies=dist/patched

# patched FILE copies what is built of a module, at the version of go.mod, and changes it.
patched() {
	local module copy from
	module=$(sed '1s/:.*//;q' "$1")
	copy=$copies/${module##*/}
	go mod download "$module"
	from=$(go list -m -f '{{.Dir}}' "$module")
	mkdir "$copy"
	(cd "$from" && find . -type f ! -path '*/testdata/*' \( -name '*.go' ! -name '*_test.go' -o -name '*.s' -o -name '*.h' -o -name go.mod \) -print0 |
		tar -c --null -T - --mode=u+w) | tar -x -C "$copy"
	GIT_CEILING_DIRECTORIES=$PWD/dist git -C "$copy" apply - <"$1" || {
		echo "$1 does not fit $(go list -m "$module"), but another version. Make it anew, or see how large the program is without it" >&2
		return 1
	}
	go mod edit -replace "$module=./$copy" "$copies/go.mod"
}

mkdir -p dist
exec {lock}<dist
flock "$lock"
trap 'rm -rf "$copies"' EXIT
rm -rf "$copies"
mkdir -p "$copies"
cp go.mod go.sum "$copies/"
for file in scripts/patches/*.patch; do
	patched "$file"
done
GOFLAGS="${GOFLAGS:-} -modfile=$copies/go.mod" "$@"
