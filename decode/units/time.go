package units

import "time"

// FormatTime is a time in unix seconds for people, such as 2025-06-01 12:00:00 +0800. The zone is shown, as a line is read elsewhere, too, and a zone has
// hours that come twice.
func FormatTime(seconds int64, zone *time.Location) string {
	return time.Unix(seconds, 0).In(zone).Format("2006-01-02 15:04:05 -0700")
}
