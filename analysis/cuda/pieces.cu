// What device memory makes of the pieces that it is asked for: rings of a warp's own stream four arrays in and one out,
// nothing is computed. A chunk is ROWS rows of PIECE bytes; rows are 4096 bytes apart.
//
//     nvcc -O3 -arch=sm_90 -o pieces analysis/cuda/pieces.cu && ./pieces
#include <cstdio>
#include <cuda_runtime.h>
#include <algorithm>
#include <vector>
typedef long long ll;
template<int AH> __device__ inline void cp16(unsigned to, const char* from) {
  if (AH==0) asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(to), "l"(from) : "memory");
  if (AH==128) asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" :: "r"(to), "l"(from) : "memory");
  if (AH==256) asm volatile("cp.async.cg.shared.global.L2::256B [%0], [%1], 16;" :: "r"(to), "l"(from) : "memory");
}
template<int PIECE, int ROWS, int D, int AH, int ST, bool BAR>
__global__ void stream(const char* x, const char* g, char* y, int planes, int warps) {
  extern __shared__ char S[];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int CH = PIECE * ROWS;
  const int PER = PIECE / 16;            // threads a row
  char* ring = S + (ll)warp * D * 4 * CH;
  unsigned base = (unsigned)__cvta_generic_to_shared(ring);
  const int tiles = 1024 / ROWS, cols = 4096 / PIECE;
  const ll plane_b = 4 << 20;
  // block: a plane after another; warps take tiles round robin
  int p_ask = blockIdx.x, t_ask = warp, c_ask = 0, p = p_ask, t = warp, c = 0, slot = 0, slot_put = 0;
  auto onward = [&](int& p, int& t, int& c, int& s) { c++; s = s + 1 == D ? 0 : s + 1; if (c == cols) { c = 0; t += warps; if (t >= tiles) { t = warp; p += gridDim.x; } } };
  auto ask = [&]() {
    if (p_ask < planes) {
      #pragma unroll 4
      for (int i = lane; i < CH / 16; i += 32) {
        int r = i / PER, q = i % PER;
        ll off = (ll)(t_ask * ROWS + r) * 4096 + c_ask * PIECE + q * 16;
        unsigned to = base + slot * 4 * CH + i * 16;
        cp16<AH>(to, x + p_ask * plane_b + off);
        for (int k = 0; k < 3; k++) cp16<AH>(to + (k + 1) * CH, g + (p_ask * 3 + k) * plane_b + off);
      }
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
    onward(p_ask, t_ask, c_ask, slot);
  };
  for (int i = 0; i < D - 1; i++) ask();
  while (p < planes) {
    ask();
    asm volatile("cp.async.wait_group %0;" :: "n"(D - 1) : "memory");
    if (BAR) __syncthreads(); else __syncwarp();
    for (int i = lane; i < CH / 16; i += 32) {
      int r = i / PER, q = i % PER;
      ll off = (ll)(t * ROWS + r) * 4096 + c * PIECE + q * 16;
      float4 v = *(float4*)(ring + slot_put * 4 * CH + i * 16), w = *(float4*)(ring + slot_put * 4 * CH + CH + i * 16);
      v.x += w.x;
      float4* to = (float4*)(y + p * plane_b + off);
      if (ST == 0) *to = v; else if (ST == 1) __stcs(to, v); else if (ST == 2) __stcg(to, v); else __stwt(to, v);
    }
    __syncwarp();
    onward(p, t, c, slot_put);
  }
}
char *x, *g, *y; double speed;
template<int PIECE, int ROWS, int D, int AH, int ST, bool BAR> void run(int warps, int grid, int planes) {
  auto k = stream<PIECE, ROWS, D, AH, ST, BAR>;
  int room = warps * D * 4 * PIECE * ROWS;
  if (room > 232448) { printf("too much room %d\n", room); return; }
  cudaFuncSetAttribute(k, cudaFuncAttributeMaxDynamicSharedMemorySize, room);
  cudaEvent_t a, b; cudaEventCreate(&a); cudaEventCreate(&b);
  std::vector<float> ms;
  for (int i = 0; i < 9; i++) { cudaEventRecord(a); k<<<grid, 32 * warps, room>>>(x, g, y, planes, warps); cudaEventRecord(b); cudaEventSynchronize(b); float m; cudaEventElapsedTime(&m, a, b); if (i > 1) ms.push_back(m); }
  std::sort(ms.begin(), ms.end());
  double bytes = 5.0 * planes * (4 << 20);
  printf("piece %4d rows %2d depth %d ahead %3d store %d bar %d warps %d grid %d: %.3f ms %.3f floors  in flight %d KB  %s\n", PIECE, ROWS, D, AH, ST, BAR, warps, grid, ms[3], ms[3] / (bytes / speed), warps * (D-1) * 4 * PIECE * ROWS / 1024, cudaGetErrorString(cudaGetLastError()));
}
int main() {
  const ll P = 132; ll pb = 4 << 20;
  cudaMalloc(&x, P * pb); cudaMalloc(&g, 3 * P * pb); cudaMalloc(&y, P * pb);
  cudaMemset(x, 1, P * pb); cudaMemset(g, 1, 3 * P * pb); cudaMemset(y, 1, P * pb);
  { cudaEvent_t a, b; cudaEventCreate(&a); cudaEventCreate(&b); float m, best = 1e9; 
    char* big; cudaMalloc(&big, 1ll << 30); cudaMemset(big, 3, 1ll<<30);
    char* big2; cudaMalloc(&big2, 1ll << 30);
    for (int i = 0; i < 8; i++) { cudaEventRecord(a); cudaMemcpyAsync(big2, big, 1ll << 30, cudaMemcpyDeviceToDevice); cudaEventRecord(b); cudaEventSynchronize(b); cudaEventElapsedTime(&m, a, b); best = std::min(best, m); }
    speed = 2.0 * (1ll << 30) / best; printf("copy %.1f GB/s\n", speed / 1e6); cudaFree(big); cudaFree(big2); }
  run<64, 32, 5, 0, 0, false>(4, 132, 132);
  run<128, 32, 3, 0, 0, false>(4, 132, 132);
  run<128, 32, 3, 128, 0, false>(4, 132, 132);
  run<128, 32, 3, 256, 0, false>(4, 132, 132);
  run<128, 32, 3, 0, 0, true>(4, 132, 132);
  run<128, 32, 2, 0, 0, false>(2, 132, 132);
  run<256, 16, 3, 0, 0, false>(4, 132, 132);
  run<512, 8, 3, 0, 0, false>(4, 132, 132);
  run<4096, 1, 3, 0, 0, false>(4, 132, 132);
}
