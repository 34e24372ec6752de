// Package gitlabd is a local GitLab, as far as Nines asks one: a project with
// branches, deployments and their approvals, merge requests with labels and
// notes, members, issues, its repository over HTTP, and an issuer of identity
// tokens. It answers what GitLab's documentation says, lets a job's token do
// only what that may do, pages its lists, and can be made to fail.
//
// It is the double of our tests and of pipelines that run on a laptop. It
// listens on loopback only, and it is no GitLab.
package gitlabd
