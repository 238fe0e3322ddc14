// A stand-in for the tool's hls_stream.h; see ap_int.h.
#ifndef HLS_STREAM_H
#define HLS_STREAM_H

namespace hls {

template <class T>
class stream {
public:
    stream();
    explicit stream(const char* name);
    T read();
    void write(const T& value);
    bool empty() const;

private:
    stream(const stream&);
    stream& operator=(const stream&);
};

}  // namespace hls

#endif
