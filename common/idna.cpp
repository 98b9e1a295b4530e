#include "common/idna.hpp"

#include <dlfcn.h>
#include <idn2.h>

#include "common/text.hpp"

namespace redoubtful {
namespace {

struct Library {
  decltype(&idn2_to_ascii_8z) to_ascii = nullptr;
  decltype(&idn2_strerror) describe = nullptr;
  decltype(&idn2_free) release = nullptr;
};

template <class Function>
void find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
}

// Never closed: it stays for the life of the process once a name has needed it.
Library open_library() {
  Library library;
  void* handle = ::dlopen("libidn2.so.0", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return library;
  find(handle, "idn2_to_ascii_8z", library.to_ascii);
  find(handle, "idn2_strerror", library.describe);
  find(handle, "idn2_free", library.release);
  return library;
}

}  // namespace

Result<std::string> to_ascii_name(std::string_view name) {
  static const Library library = open_library();
  if (library.to_ascii == nullptr || library.describe == nullptr || library.release == nullptr) {
    return Error(Errc::kInvalidHost, quoted(name) + " is not ASCII, and libidn2 is not installed")
        .hint("install libidn2, or write the name's xn-- form");
  }
  const std::string copy(name);
  char* ascii = nullptr;
  const int status = library.to_ascii(copy.c_str(), &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46);
  if (status != IDN2_OK) {
    return Error(Errc::kInvalidHost,
                 quoted(name) + " is not an internationalised name: " + library.describe(status));
  }
  std::string out(ascii);
  library.release(ascii);
  return out;
}

}  // namespace redoubtful
