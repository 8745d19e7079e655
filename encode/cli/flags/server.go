package flags

import (
	"errors"
	"slices"

	"pikabin/decode/replica/link"
	"pikabin/encode/cli/network"
	"pikabin/encode/cli/shell"
	"pikabin/encode/run"
)

// networkShare is the part of --memory that what has come over the network may take before it is read.
const networkShare = 4

// Server is the source of a job, if that is a server; nil: it is files.
func (f *StreamFlags) Server(s *shell.Streams, source *SourceFlags, sources []string, job *run.Job) (*network.Source, error) {
	if !slices.ContainsFunc(sources, link.IsAddress) {
		return nil, nil //nolint:nilnil // files
	}
	if len(sources) > 1 {
		return nil, errors.New("one server is read at a time: several hosts of one group are given as pika://host,host2")
	}
	n, err := network.New(sources[0], source.DB, source.Wants)
	if err != nil {
		return nil, err
	}
	if n.Options.Generation, err = source.Generation(); err != nil {
		return nil, err
	}
	n.Say = s.Console.Info
	n.Options.Say = func(db, text string) { s.Console.Info(db + ": " + text) }
	n.Options.Note = func(db, text string) { s.Console.Warn(db + ": " + text) }
	n.Options.Memory = int64(f.Memory) / networkShare
	job.Encode.Memory = int64(f.Memory) - n.Options.Memory
	job.Sources, job.Group = n.Sources(), n
	return n, nil
}
