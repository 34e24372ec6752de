package main

func asFunction(func(string) string) error { return nil }
