import { render } from 'preact'
import { App, start } from './app'
import { startKeyboard } from './keyboard'
import { startRouter } from './router'
import './styles/main.css'

startRouter()
startKeyboard()
void start()
render(<App />, document.getElementById('app')!)
