// Boost.JSON without a shared library: its sources, compiled once, here and nowhere else.

#include <boost/json/src.hpp>
