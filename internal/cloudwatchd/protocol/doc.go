// Package protocol speaks the three protocols of CloudWatch: Smithy RPC v2 CBOR
// (today's SDKs), AWS JSON 1.0 (the AWS CLI, boto3) and AWS Query (older
// clients: forms in, XML out).
//
// A request becomes [Args], read by name whatever the protocol; an answer is a
// [Struct] and becomes bytes of the protocol the question came in.
package protocol
