#pragma once

// Writes a login file anew so that the new text cannot be lost: where it will go is made sure of
// before a token is asked for that exists nowhere else.
//
// By rename of a file beside it, with its mode and group; where the directory does not take one, or
// the file is a mount of its own, over the old text in place (as Claude Code and the Gemini CLI
// write). Source: facts of which kind of failure revokes a login: a rename that fails after the
// endpoint has answered does.

#include <sys/types.h>

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/unique_fd.hpp"

namespace redoubtful::proxy {

class LoginWriter {
 public:
  // Reserves room for `bytes` beside the file, or opens the file itself. Errors: kSystemCall where
  // it can be written in neither way; nothing was changed then.
  static Result<LoginWriter> prepare(const std::string& path, std::size_t bytes);

  LoginWriter(LoginWriter&& other) noexcept;
  LoginWriter& operator=(LoginWriter&&) = delete;
  LoginWriter(const LoginWriter&) = delete;
  LoginWriter& operator=(const LoginWriter&) = delete;
  ~LoginWriter();  // of what was not written nothing is left

  // Once. On disk when it returns. Errors: kSystemCall, and the old text is still there, but where
  // it was written in place and the disk failed at that.
  Result<void> write(std::string_view text);

 private:
  LoginWriter(std::string path, UniqueFd own, UniqueFd beside, std::string beside_path);
  Result<void> overwrite(std::string_view text);

  std::string path_;
  UniqueFd own_;     // the file itself, for writing; none: it cannot be
  UniqueFd beside_;  // the one that takes its place; none: the directory takes none
  std::string beside_path_;
};

}  // namespace redoubtful::proxy
