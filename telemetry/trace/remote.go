package trace

// Remote says whether sending spans takes a network's time. The daemon is on this
// machine and takes a datagram.
func (t *Tracer) Remote() bool {
	if !t.Enabled() {
		return false
	}
	_, daemon := t.exporter.(*DaemonExporter)
	return !daemon
}
