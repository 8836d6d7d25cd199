// The denominator: a copy whose stores go past the caches, so that the target is not read first.

#include <cstddef>
#include <cstring>
#if defined(__AVX__)
#include <immintrin.h>
#endif

extern "C" void copy_streaming(char* target, const char* source, size_t bytes, int threads) {
    const size_t piece = size_t(1) << 18;  // both are multiples of 64 bytes, and so aligned
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t begin = 0; begin < bytes; begin += piece) {
        const size_t end = begin + piece < bytes ? begin + piece : bytes;
#if defined(__AVX__)
        for (size_t i = begin; i < end; i += 32)
            _mm256_stream_ps(reinterpret_cast<float*>(target + i),
                             _mm256_load_ps(reinterpret_cast<const float*>(source + i)));
#else
        std::memcpy(target + begin, source + begin, end - begin);
#endif
    }
}
