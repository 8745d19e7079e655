// Package places is the table of stores: which one an address names.
package places

import (
	"strings"

	"pikabin/encode/output/object/s3"
	"pikabin/encode/output/object/store"
	"pikabin/encode/output/object/webhdfs"
)

// Kind is a row of the table.
type Kind struct {
	Name      string
	Form      string // of the addresses
	Doc       string // one line for help and README
	Variables func() []string

	// Is tells whether an address has the form. Parse understands it, and opens nothing.
	Is    func(address string) bool
	Parse func(address string) (*Target, error)
}

// Target is an address that has been understood.
type Target struct {
	Name    string // the same in whatever way it is reached
	Checked bool   // the store is not relied upon to refuse a second object of one name: each name is asked for before
	Open    func() (store.Place, error)
}

// The kinds of stores.
var (
	S3 = Kind{
		Name: "object", Form: "s3://BUCKET/PREFIX/", Doc: "a bucket of S3 or of what speaks its protocol: one object for each complete part",
		Variables: s3.Variables, Is: func(address string) bool { return strings.HasPrefix(address, s3.Scheme) }, Parse: parseS3,
	}
	HDFS = Kind{
		Name: "hdfs", Form: "webhdfs://NAMENODE:9870/PATH/", Doc: "a folder of HDFS: one file for each complete part",
		Variables: webhdfs.Variables, Is: webhdfs.Is, Parse: parseHDFS,
	}
)

// Find gives the kind of an address.
func Find(address string) (kind Kind, ok bool) {
	for _, k := range []Kind{S3, HDFS} {
		if k.Is(address) {
			return k, true
		}
	}
	return Kind{}, false
}

func parseS3(address string) (*Target, error) {
	t, err := s3.Parse(address)
	if err != nil {
		return nil, err
	}
	return &Target{Name: t.String(), Checked: t.Checked, Open: func() (store.Place, error) { return s3.Open(t) }}, nil
}

func parseHDFS(address string) (*Target, error) {
	t, err := webhdfs.Parse(address)
	if err != nil {
		return nil, err
	}
	return &Target{Name: t.String(), Open: func() (store.Place, error) { return webhdfs.Open(t), nil }}, nil
}
