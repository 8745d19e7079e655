package encode

import (
	"fmt"
	"runtime"

	"pikabin/decode/units"
	"pikabin/formats"
)

// Sealer makes what makes the files of formats that can only be made of all their messages, see sink.Env.
func (o *Options) Sealer(noDB bool) (formats.Sealer, error) {
	s := o.Seal
	s.NoDB, s.Workers = noDB, o.sealWorkers()
	s.Codec, s.Level = o.Compression.Codec()
	return o.Format.Seal(s)
}

// memory is the bound on the bytes in flight.
func (o *Options) memory() int64 {
	if o.Memory == 0 {
		return defaultMemory
	}
	return o.Memory
}

// sealShare is how much of the memory there is at most for files that are made: three quarters.
func (o *Options) sealShare() int64 { return o.memory() / 4 * 3 }

// sealWorkers are how many work on a file: all, if there is memory for them.
func (o *Options) sealWorkers() int {
	workers := o.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	for workers > 1 && o.Format.SealMemory(o.Seal.RowGroup, workers) > o.sealShare() {
		workers--
	}
	return workers
}

// sealMemory is what the making of files takes.
func (o *Options) sealMemory() int64 {
	if o.Format.Seal == nil {
		return 0
	}
	return o.Format.SealMemory(o.Seal.RowGroup, o.sealWorkers())
}

// checkMemory refuses row groups for which there is not the memory.
func (o *Options) checkMemory() error {
	need := o.sealMemory()
	if need <= o.sealShare() {
		return nil
	}
	const step = 1 << 20
	return fmt.Errorf("files of %s with such row groups take %s, and three quarters of --memory %s are less: give --memory %s, or a smaller --row-group",
		o.Format.Name, units.FormatSize(need), units.FormatSize(o.memory()), units.FormatSize((need*4/3+step)/step*step))
}

// FormatName is the name of the format, and what else the bytes of its files depend on.
func (o *Options) FormatName() string {
	name := o.Format.Name
	if o.Seal.RowGroup != 0 {
		name += " --row-group " + units.FormatSize(o.Seal.RowGroup)
	}
	if o.Seal.Timestamps {
		name += " --timestamps"
	}
	return name
}
