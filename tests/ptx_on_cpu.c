/* What surrounds the C of a kernel, see ptx_on_cpu.py: FIELDS are its registers, BODY its instructions. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct { char *to, *from; int size, read; } Copy;
typedef struct { int at, copies, landed, group, groups, ends[64]; Copy copy[1024]; uint32_t temp; FIELDS } Thread;
static char *S; static int64_t room; static unsigned ctaid, nctaid, ntid[3];
static char *shared(int64_t at, int size) {
  if (at < 0 || at + size > room || at % size) { fprintf(stderr, "shared memory: %ld\n", (long)at); abort(); }
  return S + at;
}
static void copy(Thread *t, int64_t to, char *from, int size, int read) {
  memset(shared(to, size), 0xFF, size);
  if (read && (uintptr_t)from % size) { fprintf(stderr, "a copy from %p\n", (void *)from); abort(); }
  t->copy[t->copies++ % 1024] = (Copy){S + to, from, size, read};
}
static void arrived(Thread *t, int left) {
  while (t->group + left < t->groups) {
    for (; t->landed < t->ends[t->group % 64]; t->landed++) {
      Copy c = t->copy[t->landed % 1024];
      memset(c.to, 0, c.size);
      memcpy(c.to, c.from, c.read);
    }
    t->group++;
  }
}
static float round_down(float a, float b, float c) {
  int before = fegetround(); fesetround(FE_DOWNWARD); volatile float r = fmaf(a, b, c); fesetround(before); return r;
}
static float half(uint16_t h) { _Float16 v; memcpy(&v, &h, 2); return v; }
static uint16_t to_half(float f) { _Float16 v = f; uint16_t h; memcpy(&h, &v, 2); return h; }
static int64_t div64(int64_t a, int64_t b) { return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b; }
static int run(Thread *R, const uint64_t *P, unsigned x, unsigned y) {
  switch (R->at) { case 0:;
    BODY
  }
  return 0;
}
int launch(const uint64_t *P, unsigned first, unsigned grid, unsigned bx, unsigned by, int64_t bytes, unsigned seed) {
  Thread *threads = calloc(bx * by, sizeof(Thread));
  unsigned *order = malloc(bx * by * sizeof(unsigned));
  S = malloc(bytes + 1); room = bytes; nctaid = grid; ntid[0] = bx; ntid[1] = by; ntid[2] = 1;
  for (ctaid = first; ctaid < grid; ctaid++) {
    memset(S, 0xFF, bytes); memset(threads, 0, bx * by * sizeof(Thread));
    for (unsigned i = 0; i < bx * by; i++) order[i] = i;
    for (unsigned running = bx * by; running;) {
      unsigned waiting = 0;
      for (unsigned i = bx * by; i-- > 1;) {
        seed = seed * 1664525u + 1013904223u;
        unsigned j = (seed >> 8) % (i + 1), kept = order[i]; order[i] = order[j]; order[j] = kept;
      }
      for (unsigned i = 0; i < bx * by; i++)
        waiting += run(threads + order[i], P, order[i] % bx, order[i] / bx);
      if (waiting != 0 && waiting != bx * by) { fprintf(stderr, "a barrier for some\n"); abort(); }
      running = waiting;
    }
  }
  free(threads); free(order); free(S);
  return 0;
}
