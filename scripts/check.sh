#!/usr/bin/env bash
# Everything that has to hold besides "go test ./...": vet, lint, race, generated files, the other
# platforms, and a short run of every fuzz target.
#
#   scripts/check.sh            all of it
#   scripts/check.sh lint fuzz  only these steps
#
#   FUZZTIME  for each fuzz target: runs, as in 1000000x, or a time (default 25000x)
set -euo pipefail
cd "$(dirname "$0")/.."

lint_version=v2.15.0
steps=("$@")
((${#steps[@]})) || steps=(vet lint race generated platforms fuzz)

vet() {
	go vet ./...
	local unformatted
	unformatted=$(gofmt -l .)
	if [[ -n $unformatted ]]; then
		echo "gofmt would change: $unformatted" >&2
		return 1
	fi
}

# golangci-lint is built once for each version and Go.
lint() {
	local bin
	bin=$(go env GOCACHE)/pikabin-tools/golangci-lint-$lint_version-$(go env GOVERSION)
	if [[ ! -x $bin/golangci-lint ]]; then
		GOFLAGS='' GOBIN=$bin go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$lint_version"
	fi
	"$bin/golangci-lint" run ./...
}

# The decoder and the formats of lines start no goroutine and may not import sync: a race detector has nothing to find there,
# and takes minutes for their sweeps. With -short, the sweeps of the others take a sample, which has every kind of version, output and fault:
# "go test ./..." runs them whole.
race() {
	go list ./... | grep -vE '^pikabin/(decode|formats(/(avro|csv|digits|headcache|jsonl|msgpack|protobuf|resp|varint))?)$' | xargs go test -race -short -timeout 20m
}

# What is generated is what its source gives, and go.mod holds what is imported.
generated() {
	go generate ./...
	go mod tidy
	git diff --exit-code -- '*.pb.go' go.mod go.sum
}

# The program is one small static binary everywhere, works with the libraries as releases have them, and the pure Go twins of the assembly
# stay tested.
platforms() {
	# linux/amd64 is what is tested: with these two, each system and each kind of machine is there
	PLATFORMS='darwin/arm64 windows/amd64' PGO=off DIST=$binaries scripts/release.sh binaries
	scripts/release.sh patched
	go test -tags purego ./formats/...
}

# A number of runs, since the engine of Go up to 1.26 reports "context deadline exceeded" now and then where a time ends
# (go.dev/issue/75804).
# The targets are found by their text: to ask every test binary for them takes longer than to run them.
fuzz() {
	local file name package
	while IFS=: read -r file name; do
		package=$(dirname "$file") name=${name#func }
		echo "fuzz $package $name"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-25000x}" -fuzzminimizetime 1000x "$package" >"$log" 2>&1 </dev/null || {
			cat "$log" >&2
			return 1
		}
	done < <(grep -roE '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' . | sort)
}

log=$(mktemp)
binaries=$(mktemp -d)
trap 'rm -rf "$log" "$binaries"' EXIT
for step in "${steps[@]}"; do
	echo "== $step"
	"$step"
done
echo "all checks passed"
