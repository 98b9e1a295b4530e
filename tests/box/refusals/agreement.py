def authorities(*_): pass
def framing(*_): pass
