#pragma once

// Every bound of the proxy, with its unit and its reason. Source: design 5, "Limits".
//
// At a limit somebody gets a clear refusal and the rest goes on unharmed.

#include <chrono>
#include <cstddef>

namespace redoubtful::proxy::limits {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr std::size_t kHeadBytes =
    64 * 1024;                               // a request's or response's head; nginx: 32 KiB
inline constexpr std::size_t kFields = 256;  // header fields of one message
inline constexpr std::size_t kClientHelloBytes = 16 * 1024;  // one TLS record; real ones are 2 KiB
inline constexpr std::size_t kRelayBytes =
    64 * 1024;  // one piece of a body or tunnel: back-pressure
inline constexpr std::size_t kDnsMessageBytes = 4096;  // a query over TCP; UDP ones are 512
inline constexpr std::size_t kSyntheticNames = 4096;   // names that one session may look up
inline constexpr std::size_t kNamesPerMinute = 600;    // new ones: a name can carry data
inline constexpr std::size_t kConnections = 1024;      // of one session, all ways in together
inline constexpr std::size_t kStreams = 100;           // concurrent ones of an HTTP/2 connection
// HTTP/2, what one side may send before the other has taken it. Of a stream at first, and at most
// once it has shown that its reader keeps up; the pool is what all streams of a connection may grow
// by. The connection's own window holds all of it: no stream that stands still stops another.
inline constexpr std::size_t kStreamWindow = 256 * 1024;
inline constexpr std::size_t kStreamWindowGrown = 4 * 1024 * 1024;  // 40 MB/s over 100 ms
inline constexpr std::size_t kWindowPool = 8 * 1024 * 1024;
// Of all HTTP/2 connections together. Beyond it nothing more is read of a connection that holds
// more than its share, until its readers go on: windows alone would let the box keep 27 MB in each
// of its 1,024 connections.
inline constexpr std::size_t kHeldBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kHeldShare = 128 * 1024;
// Of a refused HTTP/2 request's body, read and dropped so that the client comes to see the answer.
inline constexpr std::size_t kRefusedUpload = 64 * 1024 * 1024;
// HTTP/2 frames that ask for work and carry nothing (PING, SETTINGS, empty DATA …), and streams
// that are reset (CVE-2023-44487): so many at once, so many a second. gRPC sends a PING for every
// burst of DATA, a browser that closes a page resets each of its streams.
inline constexpr std::size_t kIdleFrames = 1000;
inline constexpr std::size_t kIdleFramesPerSecond = 100;
inline constexpr std::size_t kResets = 500;
inline constexpr std::size_t kResetsPerSecond = 50;
inline constexpr std::size_t kFramesWaiting = 2000;  // for a peer that does not read, then it ends
// Of the process, where all bounds together come to a third of it.
inline constexpr std::size_t kMemoryBytes = 1024 * 1024 * 1024;
inline constexpr std::size_t kAddresses = 64;                     // of one name; more are not tried
inline constexpr std::size_t kHostsFileBytes = 16 * 1024 * 1024;  // block lists have 5 MiB
// Of a chunk that AWS's clients sign: its signature stands before it, so it is kept whole. They
// send 64 KiB to 1 MiB.
inline constexpr std::size_t kAwsChunkBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kAwsTrailerBytes = 16 * 1024;
// Of a body that must be read before its request can be signed for AWS, and of all of them.
// Bedrock takes 25 MB, DynamoDB 16 MB; S3's clients declare the hash.
inline constexpr std::size_t kAwsHeldBody = 64 * 1024 * 1024;
inline constexpr std::size_t kAwsHeldBodies = 192 * 1024 * 1024;
// Of a request's body that is kept while it is sent, in case its login is refused. The Messages API
// takes 32 MB, and conversations have a few hundred KB. Counts in the sum above.
inline constexpr std::size_t kRepeatedBody = 32 * 1024 * 1024;
inline constexpr std::size_t kPooledOrigins = 16;       // idle connections kept for the next client
inline constexpr std::size_t kDrainBytes = 256 * 1024;  // of a refused request's body, then close

inline constexpr seconds kHead{10};               // from the first byte of a head to its last
inline constexpr seconds kHandshake{10};          // TLS, either leg
inline constexpr seconds kFirstBytes{10};         // until a client says what it speaks
inline constexpr seconds kConnect{15};            // all addresses of an origin together
inline constexpr milliseconds kNextAddress{250};  // RFC 8305, section 5
inline constexpr seconds kResolve{10};
inline constexpr milliseconds kNameServer{1500};  // its first try; each further waits twice as long
// For the second of A and AAAA when the first has answered; RFC 8305 section 3 says 50 ms, which is
// less than many name servers need for a name that they do not hold.
inline constexpr milliseconds kOtherFamily{500};
inline constexpr minutes kIdle{5};  // keep-alive between two requests
// Of a connection to an origin that no client has any more. Node's servers close theirs after 5 s.
inline constexpr seconds kPooledIdle{4};
inline constexpr seconds kRefusalWrite{10};
inline constexpr milliseconds kHeldLook{50};  // how often a connection over its share looks again
inline constexpr seconds kClientLook{1};  // how often a client that waits is asked if it is there
// A body or tunnel may pause for hours (long polls, agents that think); TCP keep-alive finds the
// dead.
inline constexpr seconds kKeepAliveProbe{60};

}  // namespace redoubtful::proxy::limits
