def protocols(*_): pass
