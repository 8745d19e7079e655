// Package chain tells whether a record that a server sends comes after what was read before: by its position, by its length, by what its header
// names, and, where reading begins, by the record before.
package chain
