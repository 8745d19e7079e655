package webhdfs_test

import (
	"slices"
	"strings"
	"testing"

	"pikabin/encode/output/object/webhdfs"
)

// TestParse understands addresses.
func TestParse(t *testing.T) {
	t.Setenv("HADOOP_USER_NAME", "from-environment")
	for _, c := range []struct{ address, name, user string }{
		{"webhdfs://nn/", "webhdfs://nn:9870/", "from-environment"},
		{"webhdfs://nn:1/a b/c%2Bd/?user=me", "webhdfs://nn:1/a b/c+d/", "me"},
		{"webhdfs://n2:1,n1/p/", "webhdfs://n1:9870,n2:1/p/", "from-environment"},
		{"swebhdfs://nn/p/", "swebhdfs://nn:9871/p/", "from-environment"},
		{"webhdfs://[::1]:1,[::2]/p/", "webhdfs://[::1]:1,[::2]:9870/p/", "from-environment"},
	} {
		target, err := webhdfs.Parse(c.address)
		if err != nil || target.String() != c.name || target.User != c.user {
			t.Errorf("%s: %v, %+v", c.address, err, target)
		}
	}
	target, err := webhdfs.Parse("webhdfs://n2:1,n1:2/p/")
	if err != nil || !slices.Equal(target.Namenodes, []string{"n2:1", "n1:2"}) {
		t.Errorf("%v, %v: not the order that was named", err, target)
	}
}

// TestParseRefuses says what was expected.
func TestParseRefuses(t *testing.T) {
	for address, want := range map[string]string{
		"hdfs://nn:8020/p/":          "webhdfs://NAMENODE:9870/PATH/",
		"webhdfs:///p/":              "is no namenode",
		"webhdfs://nn:x/p/":          "is no namenode",
		"webhdfs://nn,/p/":           "is no namenode",
		"webhdfs://me:hush@nn/p/":    "HADOOP_USER_NAME",
		"webhdfs://nn/p":             "webhdfs://nn:9870/p/",
		"webhdfs://nn/p//q/":         "an empty part",
		"webhdfs://nn/p/../q/":       "one of dots",
		"webhdfs://nn/p:q/":          "a colon",
		"webhdfs://nn/p/?usr=me":     `no option "usr"`,
		"webhdfs://nn/p%zz/?user=me": "no URL",
		"webhdfs://nn/p/?user=me#x":  "",

		"webhdfs://nn/p/?user=me&kerberos-keytab=k":   "user=NAME@REALM",
		"webhdfs://nn/p/?user=me@R&kerberos-config=c": "kerberos-keytab=FILE",
		"webhdfs://nn/p/?user=me@R&kerberos-keytab=k": "",
		"webhdfs://nn/?delegation=me":                 `no option "delegation"`,
	} {
		_, err := webhdfs.Parse(address)
		if (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
