package ecs

import "fmt"

// Scene is how a service lies, for tests that set it up.
type Scene struct {
	Stable, Canary string // task definitions, "family:revision"
	Percent        float64
	// Pause, in minutes, is how long the canary's deployment stands still.
	Pause int
}

// Set makes a service lie as a scene says, as if somebody had deployed it so.
// Its own configuration stays as it was made, while no canary is under way.
func (s *Server) Set(cluster, name string, to Scene) {
	s.Locked(func() {
		v := s.find(cluster, name)
		own := v.config
		for _, d := range v.deployments {
			if len(d.config.Hooks) == 0 && (d.config.Canary == nil || d.config.Canary.Percent == nil || *d.config.Canary.Percent < 100) {
				own = d.config
			}
		}
		v.config = own
		d := s.begin(v, to.Stable)
		s.enter(v, d, []step{{status: successful, weight: 100}})
		if to.Canary == "" {
			return
		}
		zero := 0
		v.config.Strategy, v.config.Canary = "CANARY", &canary{Percent: &to.Percent, Bake: &zero}
		v.config.Hooks = []hook{{Type: "PAUSE", Stages: []string{"PRE_PRODUCTION_TRAFFIC_SHIFT"}, Timeout: &timeout{Minutes: to.Pause, Action: "ROLLBACK"}}}
		d = s.begin(v, to.Canary)
		for d.weight < to.Percent || d.steps[d.at].hook == nil {
			d.at++
			d.since, d.updated = s.now, s.now
			s.arrive(v, d)
		}
	})
}

// Changes counts what was begun: deployments, and rollbacks of them.
func (s *Server) Changes() (n int) {
	s.Locked(func() {
		for _, v := range s.services {
			n += len(v.deployments)
			for _, d := range v.deployments {
				if d.rollback != "" {
					n++
				}
			}
		}
	})
	return n
}

// Make makes a cluster with a service that can shift its traffic, and versions
// of its task definition; the first has all of it. It returns their names.
func (s *Server) Make(cluster, name, strategy string, versions int) (out []string) {
	s.Locked(func() {
		for range versions {
			in := map[string]any{"family": name, "containerDefinitions": []any{map[string]any{"name": "app", "image": fmt.Sprint("app:", len(out)+1), "essential": true}}}
			_, _ = s.registerTaskDefinition(&in) // it is a good one
			out = append(out, fmt.Sprint(name, ":", len(out)+1))
		}
		v := &service{cluster: cluster, name: name, desired: 2, controller: "ECS", revisions: map[string]string{}, config: config{Strategy: strategy}}
		v.balanced = strategy != "ROLLING"
		s.services = append(s.services, v)
		d := s.begin(v, out[0])
		s.enter(v, d, []step{{status: successful, weight: 100}})
	})
	return out
}
