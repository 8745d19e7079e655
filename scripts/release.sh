#!/usr/bin/env bash
# Makes what is released, in dist/: static binaries, archives, deb and rpm, a bill of materials, the licences of others, and checksums. The same commit
# gives the same bytes.
#
#   scripts/release.sh                      all of it
#   scripts/release.sh binaries             only the binaries, in dist/bin/OS-ARCH, each below the size that it may have
#   scripts/release.sh binary OS ARCH FILE  one of them
#   scripts/release.sh test                 builds twice and compares, installs and removes the packages in roots of their own, and tries completion in
#                                           real shells, and the command line with the libraries as releases have them
#   scripts/release.sh patched              only the last of these
#   scripts/release.sh deploy               checks what is in scripts/deploy
#
#   VERSION    of the release (default: the newest of CHANGELOG.md that has a number)
#   PLATFORMS  as in "linux/amd64 linux/arm64"
#   PGO        off builds without the profile, in a fraction of the time
set -euo pipefail
cd "$(dirname "$0")/.."

nfpm_version=v2.45.0
cyclonedx_version=v1.10.0
# Bytes that a binary may have: more is a dependency that somebody should know of.
largest=25000000
# Whose functions are not inlined, which makes a binary smaller: libraries that work once a request or a block, and not once a record.
cold=(
	compress/... context crypto/... encoding/{asn1,gob,json,xml} flag fmt go/... html/... log/... math/big mime/... net/... os/... path/... regexp/... text/...
	vendor/... golang.org/x/net/... google.golang.org/... go.yaml.in/... github.com/klauspost/cpuid/...
	github.com/{alecthomas,colinmarc,gomodule,jcmturner,minio,prometheus,schollz,tinylib}/...
	github.com/parquet-go/parquet-go/{encoding/thrift,format,variant} github.com/twmb/{avro/...,franz-go/pkg/{kadm,kgo/internal/sticky,kmsg,sr}}
)
dist=${DIST:-dist}
read -ra platforms <<<"${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}"
version=${VERSION-$(sed -n 's/^## \(v[0-9][0-9.]*\).*/\1/p' CHANGELOG.md | head -1)}
export TZ=UTC LC_ALL=C

# tool NAME PACKAGE VERSION builds a program once for each version and Go, and prints where it is.
tool() {
	local bin
	bin=$(go env GOCACHE)/pikabin-tools/$1-$3-$(go env GOVERSION)
	[[ -x $bin/$1 ]] || GOFLAGS='' GOBIN=$bin go install "$2@$3" >&2
	echo "$bin/$1"
}

# binary OS ARCH FILE builds one.
binary() {
	local inlining=("${cold[@]/#/-gcflags=}")
	CGO_ENABLED=0 GOOS=$1 GOARCH=$2 scripts/patched.sh go build -pgo="${PGO:-auto}" -trimpath "${inlining[@]/%/=-l}" \
		-ldflags "-s -w -buildid= -funcalign=16 -X main.version=$version" -o "$3" .
	local size
	size=$(wc -c <"$3")
	((size < largest)) || {
		echo "$3 has $size bytes, and is to have less than $largest" >&2
		return 1
	}
}

# notices prints the licence of each module that is linked into a binary of any platform, and that of Go.
notices() {
	echo "pikabin contains the following software, under these licences."
	printf '\n==== Go %s (https://go.dev)\n\n' "$(go env GOVERSION)"
	cat "$(go env GOROOT)/LICENSE"
	local platform module dir file change
	for platform in "${platforms[@]}"; do
		CGO_ENABLED=0 GOOS=${platform%/*} GOARCH=${platform#*/} scripts/patched.sh go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}' .
	done | sort -u | xargs go list -m -f '{{.Path}}@{{.Version}} {{.Dir}}' | while read -r module dir; do
		file=$(find "$dir" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'notice*' \) | sort)
		[[ -n $file ]] || {
			echo "no licence in $module" >&2
			return 1
		}
		printf '\n==== %s\n\n' "$module"
		change=${module%@*}
		change=scripts/patches/${change##*/}.patch
		[[ ! -f $change ]] || printf 'Changed for pikabin: %s\n\n' "$(sed '/^$/,$d' "$change")"
		xargs -d '\n' cat <<<"$file"
	done
}

# pages OUT writes the manual and the completion of shells, which the program of this machine prints.
pages() {
	mkdir -p "$1/man" "$1/completion"
	[[ -x $dist/host/pikabin ]] || binary "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "$dist/host/pikabin"
	"$dist/host/pikabin" man --dir "$1/man"
	local shell
	for shell in bash zsh fish; do
		"$dist/host/pikabin" completion "$shell" >"$1/completion/$shell"
	done
	find "$1/man" -name '*.1' -exec gzip -9nf {} +
}

# documents OUT copies the pages that README.md links to, and the unit, to where the links look for them.
documents() {
	mkdir -p "$1"
	git ls-files -z '*.md' scripts/pikabin.service ':!testdata' | tar -c --null -T - | tar -x -C "$1"
}

# archive OS ARCH packs a binary with what belongs to it.
archive() {
	local name=pikabin-$version-$1-$2
	mkdir -p "$dist/$name"
	cp "$dist/bin/$1-$2"/pikabin* "$dist/$name/"
	cp -r LICENSE "$dist/THIRD_PARTY_NOTICES" "$dist/pages/man" "$dist/pages/completion" "$dist/$name/"
	documents "$dist/$name"
	tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w -C "$dist" -c "$name" | gzip -9n >"$dist/$name.tar.gz"
	rm -r "${dist:?}/$name"
}

# packages ARCH makes the deb and the rpm.
packages() {
	local nfpm kind
	nfpm=$(tool nfpm github.com/goreleaser/nfpm/v2/cmd/nfpm "$nfpm_version")
	sed 's,/usr/local/bin/pikabin,/usr/bin/pikabin,; /^#   useradd/d; /^#   install/d' scripts/pikabin.service >"$dist/pikabin.service"
	documents "$dist/pages/doc"
	cp LICENSE scripts/deploy/package/*.conf "$dist/pages/"
	find "$dist" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} + # which packages keep
	for kind in deb rpm; do
		ARCH=$1 VERSION=${version#v} DIST=$dist "$nfpm" package --config scripts/deploy/package/nfpm.yaml --packager "$kind" --target "$dist/" >/dev/null
	done
}

# bill lists the modules that are linked in, as the binary of the first platform tells them. Of changed ones that tells where their copies were.
bill() {
	local module version_of copy bill=$dist/pikabin-$version.sbom.json
	local first=("$dist/bin/${platforms[0]/\//-}"/pikabin*)
	"$(tool cyclonedx-gomod github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod "$cyclonedx_version")" \
		bin -json -std -noserial -notimestamp -version "$version" -output "$bill" "${first[0]}"
	sed -sn '1s/:.*//p' scripts/patches/*.patch | xargs go list -m | while read -r module version_of; do
		copy=./dist/patched/${module##*/}
		sed -i "s,$copy@(devel),$module@$version_of,; \\,\"name\": \"$copy\", { s,$copy,$module,; n; s,(devel),$version_of, }" "$bill"
		grep -qF "pkg:golang/$module@$version_of" "$bill"
	done
	if grep -F dist/patched "$bill"; then
		echo "$bill names a copy, and not a module" >&2
		return 1
	fi
}

# binaries builds for all platforms.
binaries() {
	rm -rf "$dist"
	local platform os arch suffix
	for platform in "${platforms[@]}"; do
		os=${platform%/*} arch=${platform#*/} suffix=
		[[ $os != windows ]] || suffix=.exe
		echo "building $platform"
		binary "$os" "$arch" "$dist/bin/$os-$arch/pikabin$suffix"
	done
}

# release makes everything.
release() {
	SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
	export SOURCE_DATE_EPOCH
	binaries
	local platform os arch
	notices >"$dist/THIRD_PARTY_NOTICES"
	pages "$dist/pages"
	for platform in "${platforms[@]}"; do
		os=${platform%/*} arch=${platform#*/}
		archive "$os" "$arch"
		[[ $os != linux ]] || packages "$arch"
	done
	bill
	(cd "$dist" && rm -rf pages host pikabin.service && sha256sum -- *.tar.gz *.deb *.rpm *.json THIRD_PARTY_NOTICES >SHA256SUMS)
	ls -l "$dist"
}

# test builds twice, from two places, and tries what was made.
test_release() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	PLATFORMS=linux/amd64 PGO=off DIST=$work/first scripts/release.sh
	git clone -q . "$work/elsewhere"
	(cd "$work/elsewhere" && PLATFORMS=linux/amd64 PGO=off DIST=$work/second scripts/release.sh >/dev/null)
	diff -r "$work/first" "$work/second"
	echo "two builds are the same, byte for byte"
	install_deb "$work/first" "$work/root"
	install_rpm "$work/first" "$work/rpmroot"
	PIKABIN_TEST_SHELLS=1 patched
	deploy
}

# patched tries the command line with the libraries as releases have them.
patched() {
	scripts/patched.sh go test -count=1 ./encode/cli -run 'TestCompletion|TestManual|TestConfig|TestReadmeFlags|TestVariables|TestEmptyValues|TestFilesThatAreRefused|TestWhatGoes|TestRehearsalOfDamage'
}

# install_deb DIST ROOT installs the package into a clean root of its own, uses it there, and purges it.
install_deb() {
	local root=$2 deb
	deb=$(echo "$1"/*_amd64.deb)
	mkdir -p "$root"/var/lib/dpkg/{info,updates} "$root"/{tmp,etc,usr/bin}
	touch "$root"/var/lib/dpkg/{status,available}
	dpkg-deb --info "$deb" >/dev/null
	dpkg --root="$root" --force-not-root --force-script-chrootless --log=/dev/null --install "$deb"
	dpkg --root="$root" --verify pikabin
	"$root/usr/bin/pikabin" version
	"$root/usr/bin/pikabin" convert -q --limit 1 testdata/4.0.1-everytype/log | grep -c '"db":"db0"'
	test -s "$root/usr/share/man/man1/pikabin-tail.1.gz" -a -s "$root/usr/share/bash-completion/completions/pikabin" -a -s "$root/usr/share/doc/pikabin/copyright"
	grep -q '^ExecStart=/usr/bin/pikabin tail' "$root/usr/lib/systemd/system/pikabin.service"
	dpkg --root="$root" --force-not-root --force-script-chrootless --log=/dev/null --purge pikabin
	nothing_left "$root"
}

# nothing_left ROOT finds no file of a package that was removed. The system keeps its own below /var.
nothing_left() {
	if find "$1" -path "$1/var" -prune -o -type f -print -o -path '*/pikabin' -print | grep .; then
		echo "the package has left these files" >&2
		return 1
	fi
}

# install_rpm DIST ROOT does what install_deb does, where rpm is. The scripts are not run: they are for the system that they run on.
install_rpm() {
	command -v rpm >/dev/null || return 0
	local root=$2 rpm=(rpm --root "$2" --dbpath /var/lib/rpm) odd
	mkdir -p "$root/var/lib/rpm"
	odd=$(rpm -qp --qf '[%{FILEMODES:octal} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}\n]' "$1"/*.rpm |
		grep -vE '^(100644|40755) root:root /usr/(lib|share)/|^100755 root:root /usr/bin/pikabin$' || true)
	[[ -z $odd && $(rpm -qp --qf '%{BUILDHOST}' "$1"/*.rpm) == localhost ]] || {
		echo "the rpm has a file with another mode or owner, or the name of this machine: $odd" >&2
		return 1
	}
	"${rpm[@]}" --install --noscripts --nodeps "$1"/*.rpm
	"${rpm[@]}" --verify --nodeps pikabin
	"$root/usr/bin/pikabin" convert -q --limit 1 testdata/4.0.1-everytype/log | grep -c '"db":"db0"'
	test -s "$root/usr/share/man/man1/pikabin-tail.1.gz" -a -s "$root/usr/share/bash-completion/completions/pikabin" -a -s "$root/usr/share/zsh/site-functions/_pikabin"
	grep -q '^ExecStart=/usr/bin/pikabin tail' "$root/usr/lib/systemd/system/pikabin.service"
	"${rpm[@]}" --erase --noscripts pikabin
	nothing_left "$root"
}

# with_promtool puts promtool on the PATH. Where there is none it is taken out of Debian's package, whose server is not installed.
with_promtool() {
	command -v promtool >/dev/null && return
	local bin work
	bin=$(go env GOCACHE)/pikabin-tools/promtool
	if [[ ! -x $bin/promtool ]]; then
		command -v apt-get >/dev/null || {
			echo "there is no promtool here and no apt-get to fetch it: it comes with Prometheus" >&2
			return 1
		}
		work=$(mktemp -d)
		apt-get -qq update
		(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool)
		mkdir -p "$bin"
		mv "$work/usr/bin/promtool" "$bin/promtool"
		rm -rf "$work"
	fi
	PATH=$bin:$PATH
}

# deploy checks what operators are given. The test of the rules is for where promtool is.
deploy() {
	with_promtool
	go test -count=1 ./scripts/deploy
}

case ${1:-release} in
release) release ;;
binary) binary "${@:2}" ;;
binaries) binaries ;;
patched) patched ;;
test) test_release ;;
deploy) deploy ;;
*)
	sed -n '2,16s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
