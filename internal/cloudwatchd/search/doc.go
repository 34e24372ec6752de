// Package search parses the search expressions of SEARCH and decides which
// metrics they match:
//
//	{AWS/Lambda,FunctionName} MetricName="Errors" OR (Invocations AND NOT test)
//
// Documented: tokens are cut at changes between lower and upper case, at digits
// and at other characters; a single token matches whatever its case; several
// tokens must follow each other; quotes ask for the exact text; terms without
// an operator are joined by AND.
//
// Assumed: several tokens cut at letter case or digits must agree in case, those
// cut at other characters need not (AWS's examples demand both); NOT binds
// tighter than AND, AND tighter than OR; a schema with dimensions matches
// metrics with exactly these, one without matches the whole namespace.
package search
