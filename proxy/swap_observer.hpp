#pragma once

// Is told what is done to a body, or to the messages of a WebSocket, as it happens.

#include <string>
#include <string_view>

namespace redoubtful::proxy {

class SwapObserver {
 public:
  virtual ~SwapObserver() = default;
  // The first time of each credential. `where`: "a text message of a WebSocket".
  virtual void put_in(const std::string& credential, std::string_view where) = 0;
  // What is not of this session stood there, and was overwritten. `where`: "the field token of the
  // body".
  virtual void taken_out(std::string_view where) = 0;
  // The rest does not leave. `why`: a clause with a verb.
  virtual void refused(const std::string& credential, std::string_view why) = 0;
};

}  // namespace redoubtful::proxy
