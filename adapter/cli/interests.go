package cli

import "literank.com/event-books/application"

// interestsCommand counts what recommendations are made of.
type interestsCommand struct{}

func (interestsCommand) Run(sh *shell) error {
	application.TuneRuntime()
	c, log, err := sh.loadService()
	if err != nil {
		return err
	}
	if err = application.RunInterests(sh.ctx, c, log, sh.parts); err == nil {
		log.Info("stopped")
	}
	return err
}
