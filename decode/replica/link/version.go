package link

import (
	"fmt"
	"time"

	"pikabin/decode"
)

// Version is what differs between the servers that can be read.
type Version struct {
	Text       string // as the server says it
	Generation decode.Generation
	Before35   bool
	modes      bool          // sharding and consensus exist
	Copies     bool          // replicas copy the positions in the headers of their master's items
	Silence    time.Duration // after which a connection on which all is acknowledged is dead
}

// parseVersion refuses a server that is not read over the network, and says why.
func parseVersion(text string) (Version, error) {
	var major, minor, patch int
	if n, _ := fmt.Sscanf(text, "%d.%d.%d", &major, &minor, &patch); n < 2 {
		return Version{}, Refuse("a server of version %q: expected Pika 3.2.3 to 4.0", text)
	}
	number := major*10000 + minor*100 + patch
	switch {
	case number < 30100:
		return Version{}, Refuse("Pika %s connects to its replicas itself and may send them whole dumps: read its log folder instead", text)
	case number < 30203:
		return Version{}, Refuse("Pika %s does not check positions that it is asked for: read its log folder instead, or upgrade to 3.2.9", text)
	}
	v := Version{Text: text, Before35: number >= 30300 && number < 30500, modes: number < 30500, Copies: number < 30502, Silence: 15 * time.Second}
	switch {
	case number < 30300:
		v.Generation, v.Silence = decode.G3, 30*time.Second
	case number < 30502:
		v.Generation = decode.G4
	default:
		v.Generation = decode.G5
	}
	return v, nil
}
