// Package insights parses Metrics Insights queries:
//
//	SELECT AVG(CPUUtilization) FROM SCHEMA("AWS/EC2", InstanceId)
//	WHERE InstanceId != 'i-1' GROUP BY InstanceId ORDER BY MAX() DESC LIMIT 5
//
// It says which metrics a query matches, how they group and in which order the
// groups come; reading them is the caller's.
package insights
