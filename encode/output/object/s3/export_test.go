package s3

// Small makes small what is sent in one request.
func Small() { single, piece = 64<<10, 16<<10 }
