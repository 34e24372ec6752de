package main

import "errors"

func asFunction(func(string) string) error { return errors.New("not yet") }
