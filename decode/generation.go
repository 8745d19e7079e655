package decode

import "fmt"

// Generation is one of the six forms the log has had. Most of what differs is found from the bytes of each
// record; what a record does not say (the meaning of the third header field) comes from here.
type Generation uint8

// The generations, by Pika version. GenerationUnknown leaves everything to the bytes.
const (
	GenerationUnknown Generation = iota
	G0                           // 2.0: four-byte fragment header, bare RESP
	G1                           // 2.1 and 2.2: eight-byte fragment header with a time
	G2                           // 2.3: RESP with four extra arguments
	G3                           // 3.0 to 3.2: item header with a server id
	G4                           // 3.3 to 3.5.1: item header with a term
	G5                           // 3.5.2 and later: replicas stamp their own headers
)

// ParseGeneration finds the generation of a Pika version such as "3.0", "3.5.5" or "v4.0.1".
func ParseGeneration(version string) (Generation, error) {
	major, minor, patch, n := parseVersion(version)
	switch {
	case n < 2:
	case major == 2 && minor == 0:
		return G0, nil
	case major == 2 && minor <= 2:
		return G1, nil
	case major == 2 && minor == 3:
		return G2, nil
	case major == 3 && minor <= 2:
		return G3, nil
	case major == 3 && (minor < 5 || minor == 5 && n == 3 && patch < 2):
		return G4, nil
	case major == 3 && minor == 5, major == 4, major == 5:
		return G5, nil
	}
	return GenerationUnknown, fmt.Errorf("%q is not a version of Pika: expected 2.0 to 5.0, such as 3.5 or 4.0.1", version)
}

// Before35 reports whether a version that ParseGeneration takes is older than 3.5. Servers of 3.3 to 3.5 write the same records, but
// drop other deadlines.
func Before35(version string) bool {
	major, minor, _, n := parseVersion(version)
	return n >= 2 && (major < 3 || major == 3 && minor < 5)
}

// parseVersion gives the numbers of a version, and how many of them there are.
func parseVersion(version string) (major, minor, patch, n int) {
	n, _ = fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch)
	if n == 0 {
		n, _ = fmt.Sscanf(version, "v%d.%d.%d", &major, &minor, &patch)
	}
	return major, minor, patch, n
}
