/* Where RequireJS finds the self-hosted widget modules; loaded between require.js and embed-amd.js. */
(() => {
  const base = new URL("..", document.currentScript.src).href;
  requirejs.config({
    waitSeconds: 60,
    paths: {
      "anywidget": base + "anywidget/index",
      "jupyter-matplotlib": base + "jupyter-matplotlib/index",
      // bundled inside embed-amd.js; the paths only tell webpack where its fonts are
      "@jupyter-widgets/base": base + "html-manager/base",
      "@jupyter-widgets/controls": base + "html-manager/controls",
      "@jupyter-widgets/html-manager": base + "html-manager/html-manager",
      "@jupyter-widgets/html-manager/dist": base + "html-manager",
    },
  });
  // ipywidgets speaks to MathJax 2; the pages carry MathJax 3
  addEventListener("DOMContentLoaded", () => {
    if (window.MathJax?.version && !MathJax.Hub) {
      MathJax.Hub = {
        Queue: ([, , element]) =>
          MathJax.startup.promise.then(() => MathJax.typesetPromise([element])).catch(console.warn),
      };
    }
  });
})();
