// The development server that front ends are built with: a page of its own origin, which may ask
// the API itself, or through this server as `/passed-on` (Host as the API's) or `/graphql` (as ours).

import process from 'node:process';

const target = process.env.API;

export default {
  cacheDir: process.env.CACHE,
  clearScreen: false,
  server: {
    host: '127.0.0.1',
    strictPort: true,
    allowedHosts: true,
    hmr: false,
    proxy: {
      '/graphql': { target, ws: true },
      '/passed-on': { target, ws: true, changeOrigin: true, rewrite: () => '/graphql' },
    },
  },
};
