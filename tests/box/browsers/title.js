// Playwright with the distribution's Chromium: the titles of pages, or why there is none. No option says whom to trust.
const {chromium} = require(process.env.BROWSERS_MODULES + '/playwright-core');

(async () => {
  const browser = await chromium.launch({executablePath: '/usr/bin/chromium'});
  const page = await browser.newPage();
  for (const address of process.argv.slice(2)) {
    try {
      const answer = await page.goto(address);
      console.log(answer.status(), await page.title() || (await page.textContent('body')).trim().split('\n')[0]);
    } catch (error) {
      console.log('failed', error.message.split('\n')[0]);
    }
  }
  await browser.close();
  console.log('END');
})();
