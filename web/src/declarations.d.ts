declare module "*.graphql" {
  const text: string;
  export default text;
}

declare const __FEATURES__: import("../build/features").Features;

declare module "*.graphql?raw" {
  const text: string;
  export default text;
}
