#pragma once

// What nghttp2 calls while it reads and writes, for Http2Session. The one place where C calls us:
// no exception leaves it.

#include <nghttp2/nghttp2.h>

#include <memory>

namespace redoubtful::proxy {

struct Http2Callbacks {
  struct Delete {
    void operator()(nghttp2_session_callbacks* callbacks) const noexcept {
      nghttp2_session_callbacks_del(callbacks);
    }
  };
  using Pointer = std::unique_ptr<nghttp2_session_callbacks, Delete>;

  // For a session whose user data is the Http2Session.
  static Pointer make();

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd*, void*);
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame*, void*);
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                       const std::uint8_t*, std::size_t, std::uint8_t, void*);
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                               std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*);
  static int on_frame_recv(nghttp2_session*, const nghttp2_frame*, void*);
  static int on_invalid_frame_recv(nghttp2_session*, const nghttp2_frame*, int, void*);
  static int on_data_chunk(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t*,
                           std::size_t, void*);
  static int on_stream_close(nghttp2_session*, std::int32_t, std::uint32_t, void*);
  static int on_frame_send(nghttp2_session*, const nghttp2_frame*, void*);
  static int on_frame_not_send(nghttp2_session*, const nghttp2_frame*, int, void*);
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t,
                           std::uint32_t*, nghttp2_data_source*, void*);
  static int send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t*, std::size_t,
                       nghttp2_data_source*, void*);
};

}  // namespace redoubtful::proxy
