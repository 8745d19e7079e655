package copied

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"pikabin/decode"
	"pikabin/encode/compact/merge"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/store"
	"pikabin/encode/readback"
)

// Object is one of the copy: some events of a log and a partition, which come after all those of the objects before it.
type Object struct {
	Name folder.PartName // that of its first event
	merge.Sum

	// Part tells the last part that it was made of from all others: that one holds nothing that is not copied.
	Part string
}

// Follow gives an object its name after another one, nil if there is none. It refuses one that begins before that ends.
func (o *Object) Follow(end *Object) error {
	o.Name = folder.PartName{Series: o.Name.Series, Epoch: o.First.Epoch, At: o.First.At, Merged: 1, Ext: o.Name.Ext}
	switch {
	case o.First.Epoch != o.Last.Epoch:
		return fmt.Errorf("the events from %s to %s are of several histories", o.First, o.Last)
	case end == nil:
		return nil
	case o.First.Compare(end.Last) <= 0:
		return fmt.Errorf("the next event is at %s, and what is copied already ends at %s: it does not come after that", o.First, end.Last)
	case end.Name.At == o.Name.At && end.Name.Epoch == o.Name.Epoch:
		o.Name.Again = end.Name.Again + 1
	}
	return nil
}

// What objects tell of themselves, besides store.MetaSum. Numbers are decimal.
const (
	metaEpoch  = "pikabin-epoch"
	metaFirst  = "pikabin-first"
	metaLast   = "pikabin-last"
	metaRows   = "pikabin-rows"
	metaEvents = "pikabin-events" // the SHA-256 of the events, whatever files they are in
	metaPart   = "pikabin-part"
)

// meta is what the object tells of itself.
func (o *Object) meta() map[string]string {
	return map[string]string{
		metaEpoch: strconv.FormatUint(uint64(o.Name.Epoch), 10), metaFirst: keyText(o.First), metaLast: keyText(o.Last),
		metaRows: strconv.FormatInt(o.Rows, 10), metaEvents: hex.EncodeToString(o.SHA256[:]),
		metaPart: url.PathEscape(o.Part),
	}
}

// objectOf is what an object tells of itself, if it is one of ours.
func objectOf(name folder.PartName, info store.Info) (*Object, error) {
	o := &Object{Name: name}
	epoch, err := strconv.ParseUint(info.Meta[metaEpoch], 10, 32)
	first, errFirst := parseKey(uint32(epoch), info.Meta[metaFirst])
	last, errLast := parseKey(uint32(epoch), info.Meta[metaLast])
	rows, errRows := strconv.ParseInt(info.Meta[metaRows], 10, 64)
	sum, errSum := hex.DecodeString(info.Meta[metaEvents])
	part, errPart := url.PathUnescape(info.Meta[metaPart])
	err = errors.Join(err, errFirst, errLast, errRows, errSum, errPart)
	if err != nil || copy(o.SHA256[:], sum) != len(o.SHA256) || len(sum) != len(o.SHA256) {
		return nil, errors.New("it does not tell where it begins and ends")
	}
	o.First, o.Last, o.Rows, o.Part = first, last, rows, part
	if name.Epoch != first.Epoch || name.At != first.At || last.Compare(first) < 0 || rows < 1 {
		return nil, fmt.Errorf("it tells that it begins at %s and ends at %s, with %d events", first, last, rows)
	}
	return o, nil
}

// keyText is a place: segment, offset, 1 for a command and 0 for a range of the log, and which event of its record it is.
func keyText(k readback.Key) string {
	command := 0
	if k.Command {
		command = 1
	}
	return fmt.Sprintf("%d:%d:%d:%d", k.At.Segment, k.At.Offset, command, k.Part)
}

func parseKey(epoch uint32, text string) (k readback.Key, err error) {
	var command int
	var at decode.Position
	_, err = fmt.Sscanf(text, "%d:%d:%d:%d", &at.Segment, &at.Offset, &command, &k.Part)
	k.Epoch, k.At, k.Command = epoch, at, command == 1
	if err == nil && keyText(k) != text {
		err = errors.New("it is no place")
	}
	return k, err
}
