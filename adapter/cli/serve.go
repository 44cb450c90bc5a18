package cli

import (
	"errors"

	"literank.com/event-books/application"
)

type allCommand struct{}

func (allCommand) Run(sh *shell) error { return sh.serve(true) }

type webCommand struct{}

func (webCommand) Run(sh *shell) error { return sh.serve(false) }

// serve runs the shop until the context ends, and stops it gracefully.
func (sh *shell) serve(whole bool) (err error) {
	application.TuneRuntime()
	c, log, err := sh.loadService()
	if err != nil {
		return err
	}
	shop, err := application.NewWireHelper(sh.ctx, c, whole, log, sh.parts)
	if err != nil {
		return err
	}
	err = shop.Run(sh.ctx)
	if err = errors.Join(err, shop.Close()); err == nil {
		log.Info("stopped")
	}
	return err
}

type brokerCommand struct{}

func (brokerCommand) Run(sh *shell) error {
	c, log, err := sh.loadService()
	if err != nil {
		return err
	}
	return application.RunBroker(sh.ctx, c, log)
}

type trendsCommand struct{}

func (trendsCommand) Run(sh *shell) error {
	application.TuneRuntime()
	c, log, err := sh.loadService()
	if err != nil {
		return err
	}
	if err = application.RunTrends(sh.ctx, c, log, sh.parts); err == nil {
		log.Info("stopped")
	}
	return err
}

type echoCommand struct{}

func (echoCommand) Run(sh *shell) error {
	c, log, err := sh.loadService()
	if err != nil {
		return err
	}
	return application.RunEcho(sh.ctx, c, log)
}
