package log

func (c *core) readable(record []byte) []byte { return record }
