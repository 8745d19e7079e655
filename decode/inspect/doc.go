// Package inspect looks at logs for a person: what is in them (Info), whether they are sound (Verify), and
// single records with all their fields and bytes (Show). It only reads.
//
// Info and Verify read whole logs, on all CPUs: workers take the chunks of a log apart, and what they
// found is put back into log order by the rules of decode.Chain. Nothing in a report depends on the
// number of workers, and the memory taken does not grow with the log.
package inspect
