package lambdad

import "net/http"

// Provisioned concurrency, as far as it stands in the way of weights.

func (s *Server) putProvisioned(c *call) reply {
	var in struct{ ProvisionedConcurrentExecutions int }
	if fail := parse(c, &in); fail != nil {
		return refuse(fail)
	}
	f, _, fail := s.pick(c)
	switch {
	case fail != nil:
		return refuse(fail)
	case c.qualifier == "" || c.qualifier == latest:
		return refuse(invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions."))
	case in.ProvisionedConcurrentExecutions < 1:
		return refuse(unfit(in.ProvisionedConcurrentExecutions, "provisionedConcurrentExecutions", "Member must have value greater than or equal to 1"))
	}
	if a, is := f.aliases[c.qualifier]; is && len(a.weights()) > 0 {
		return refuse(invalid("Alias with weights can not be used with Provisioned Concurrency"))
	}
	f.provisioned[c.qualifier] = in.ProvisionedConcurrentExecutions
	return reply{status: http.StatusAccepted, body: s.provisioned(f, c.qualifier, "IN_PROGRESS")}
}

func (s *Server) provisioned(f *function, qualifier, status string) map[string]any {
	n := f.provisioned[qualifier]
	return map[string]any{
		"RequestedProvisionedConcurrentExecutions": n, "AvailableProvisionedConcurrentExecutions": n,
		"AllocatedProvisionedConcurrentExecutions": n, "Status": status, "LastModified": stamp(s.cfg.Now()),
	}
}

func (s *Server) getProvisioned(c *call) reply {
	f, _, fail := s.pick(c)
	if fail != nil {
		return refuse(fail)
	}
	if f.provisioned[c.qualifier] == 0 {
		return refuse(&failure{http.StatusNotFound, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function"})
	}
	return ok(s.provisioned(f, c.qualifier, "READY"))
}

func (s *Server) deleteProvisioned(c *call) reply {
	f, _, fail := s.pick(c)
	if fail != nil {
		return refuse(fail)
	}
	delete(f.provisioned, c.qualifier)
	return reply{status: http.StatusNoContent}
}
