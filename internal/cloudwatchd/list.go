package cloudwatchd

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/cloudwatchd/protocol"
	"gitlab.com/nines-sre/nines/internal/cloudwatchd/store"
)

// maxListed is how many metrics a page of ListMetrics has.
const maxListed = 500

// listFilter is what ListMetrics is asked for.
type listFilter struct {
	namespace, name *string
	dims            []store.Dimension // Value "" matches any
	recent          bool
	now             time.Time
}

func (f listFilter) matches(l store.Listed) bool {
	if !visible(l, f.now) || f.recent && time.Unix(l.Last, 0).Before(f.now.Add(-keepFine)) {
		return false
	}
	if f.namespace != nil && l.Metric.Namespace != *f.namespace || f.name != nil && l.Metric.Name != *f.name {
		return false
	}
	for _, d := range f.dims {
		if v, ok := l.Metric.Dimension(d.Name); !ok || d.Value != "" && v != d.Value {
			return false
		}
	}
	return true
}

func (s *Server) listMetrics(c *call) (protocol.Struct, *protocol.Error) {
	f, err := readFilter(c)
	if err != nil {
		return nil, err
	}
	places := s.listed(c)
	if err := c.args.Err(); err != nil {
		return nil, err
	}
	account, after, err := listFrom(c)
	if err != nil {
		return nil, err
	}
	metrics, owners := []protocol.Struct{}, []string{}
	token := ""
	for _, p := range places {
		if p.Account < account {
			continue
		}
		if p.Account > account {
			after = ""
		}
		found, more := s.store.Space(p).List(after, maxListed-len(metrics), f.matches)
		for _, l := range found {
			metrics, owners = append(metrics, describe(l.Metric)), append(owners, p.Account)
			token = listToken(p.Account, l.Metric.Key())
		}
		if more {
			answer := listAnswer(metrics, owners, len(places) > 1)
			return append(answer, protocol.Field{Name: "NextToken", Value: token}), nil
		}
	}
	return listAnswer(metrics, owners, len(places) > 1), nil
}

func listAnswer(metrics []protocol.Struct, owners []string, linked bool) protocol.Struct {
	a := protocol.Struct{{Name: "Metrics", Value: metrics}}
	if linked {
		a = append(a, protocol.Field{Name: "OwningAccounts", Value: owners})
	}
	return a
}

// listed are the places whose metrics are listed, in order of their accounts.
func (s *Server) listed(c *call) []store.Place {
	include, owner := c.args.Flag("IncludeLinkedAccounts"), c.args.Text("OwningAccount")
	accounts := []string{c.place.Account}
	if include != nil && *include {
		accounts = append(accounts, s.cfg.Linked...)
		if owner != nil {
			accounts = slices.DeleteFunc(accounts, func(a string) bool { return a != *owner })
		}
	}
	slices.Sort(accounts)
	places := make([]store.Place, 0, len(accounts))
	for _, a := range slices.Compact(accounts) {
		places = append(places, store.Place{Account: a, Region: c.place.Region})
	}
	return places
}

func readFilter(c *call) (listFilter, *protocol.Error) {
	f := listFilter{namespace: c.args.Text("Namespace"), name: c.args.Text("MetricName"), now: c.now}
	if active := c.args.Text("RecentlyActive"); active != nil {
		if *active != "PT3H" {
			return f, invalid("The value %s for parameter RecentlyActive must be PT3H.", *active)
		}
		f.recent = true
	}
	filters := c.args.Subs("Dimensions")
	if len(filters) > maxDimensions {
		return f, invalid("The collection Dimensions must not have a size greater than %d.", maxDimensions)
	}
	for _, a := range filters {
		name, value := a.Text("Name"), a.Text("Value")
		if name == nil || *name == "" {
			return f, missing("The parameter %s is required.", a.Path("Name"))
		}
		d := store.Dimension{Name: *name}
		if value != nil {
			d.Value = *value
		}
		f.dims = append(f.dims, d)
	}
	return f, nil
}

func listToken(account, key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(account + "\n" + key))
}

func listFrom(c *call) (account, after string, err *protocol.Error) {
	token := c.args.Text("NextToken")
	if token == nil {
		return "", "", nil
	}
	b, bad := base64.RawURLEncoding.DecodeString(*token)
	account, after, ok := strings.Cut(string(b), "\n")
	if bad != nil || !ok {
		return "", "", invalid("Invalid nextToken")
	}
	return account, after, nil
}

func describe(m store.Metric) protocol.Struct {
	dims := make([]protocol.Struct, 0, len(m.Dimensions))
	for _, d := range m.Dimensions {
		dims = append(dims, protocol.Struct{{Name: "Name", Value: d.Name}, {Name: "Value", Value: d.Value}})
	}
	return protocol.Struct{{Name: "Namespace", Value: m.Namespace}, {Name: "MetricName", Value: m.Name}, {Name: "Dimensions", Value: dims}}
}
